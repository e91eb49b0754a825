local previous, version, series, base, start, ttl = unpack(ARGV)
local value = redis.call('GET', KEYS[1])
local seen, writers = '0', ''
if previous == '0' then
  if value then
    return 0
  end
else
  if not value then
    return 0
  end
  local _, stored, storedSeries, _, storedSeen, storedWriters = parse(value)
  if stored ~= previous then
    return 0
  end
  if storedSeries == series then
    seen, writers = storedSeen, storedWriters
  end
end
if ttl == '0' then
  if value then
    redis.call('DEL', KEYS[1])
  end
else
  redis.call('SET', KEYS[1], render(start, version, series, base, seen, writers), 'PX', ttl)
end
return 1
