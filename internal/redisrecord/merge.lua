local series, writer, views, lastSeen, ttl = unpack(ARGV)
local value = redis.call('GET', KEYS[1])
if not value then
  return 0
end
local start, version, storedSeries, base, seen, writers = parse(value)
if storedSeries ~= series then
  return 0
end
local changed, found = false, false
local merged = string.gsub(writers, '([%w.-]+)=(%d+)', function(name, n)
  if name ~= writer then
    return nil
  end
  found = true
  if tonumber(views) > tonumber(n) then
    changed = true
    return name .. '=' .. views
  end
end)
if not found then
  changed = true
  merged = merged .. ' ' .. writer .. '=' .. views
end
if tonumber(lastSeen) > tonumber(seen) then
  changed = true
  seen = lastSeen
end
local longer = tonumber(ttl) > 0 and tonumber(ttl) > redis.call('PTTL', KEYS[1])
if changed then
  value = render(start, version, series, base, seen, merged)
  if longer then
    redis.call('SET', KEYS[1], value, 'PX', ttl)
  else
    redis.call('SET', KEYS[1], value, 'KEEPTTL')
  end
elseif longer then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
