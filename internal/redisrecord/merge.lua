local series, writer, views, events, orders, lastSeen, ttl, most = unpack(ARGV)
local value = redis.call('GET', KEYS[1])
if not value then
  return 0
end
local start, version, storedSeries, base, seen, writers = parse(value)
if storedSeries ~= series then
  return 0
end
local changed, found = false, false
local function greater(new, old)
  if tonumber(new) > tonumber(old) then
    changed = true
    return new
  end
  return old
end
local merged, writing = string.gsub(writers, '([%w.-]+)=(%d+)%+(%d+)%+(%d+)', function(name, v, e, o)
  if name ~= writer then
    return nil
  end
  found = true
  return name .. '=' .. greater(views, v) .. '+' .. greater(events, e) .. '+' .. greater(orders, o)
end)
if not found then
  if writing >= tonumber(most) then
    return 0
  end
  changed = true
  merged = merged .. ' ' .. writer .. '=' .. views .. '+' .. events .. '+' .. orders
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
