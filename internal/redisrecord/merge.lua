-- Takes in what one writer of a series has counted so far.
-- KEYS: the record. ARGV: series, writer, page views, last-seen time in ms, the
-- same as text, ttl in ms.
local value = redis.call('GET', KEYS[1])
if not value then
	return 0
end
local head, tail = value:match('^(.*)"activity":"(1 [^"]*)"}$')
if not tail then
	return 0
end
local version, series, kind, base, base_at, seen, seen_at, writers = tail:match('^1 (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)(.*)$')
if series ~= ARGV[1] then
	return 0
end
local total, changed, known, list = tonumber(base), false, false, {}
for writer, count in writers:gmatch(' (%S+)=(%d+)') do
	if writer == ARGV[2] then
		known = true
		if tonumber(ARGV[3]) > tonumber(count) then
			count, changed = ARGV[3], true
		end
	end
	total = total + tonumber(count)
	list[#list + 1] = ' ' .. writer .. '=' .. count
end
if not known and tonumber(ARGV[3]) > 0 then
	total, changed = total + tonumber(ARGV[3]), true
	list[#list + 1] = ' ' .. ARGV[2] .. '=' .. ARGV[3]
end
if tonumber(ARGV[4]) > tonumber(seen) then
	seen, seen_at, changed = ARGV[4], ARGV[5], true
end
local left, ttl = redis.call('PTTL', KEYS[1]), tonumber(ARGV[6])
if not changed then
	if ttl > left then
		redis.call('PEXPIRE', KEYS[1], ttl)
	end
	return 1
end
local at = base_at
if seen_at ~= '-' and seen_at > at then
	at = seen_at
end
if kind == 's' then
	head = head:match('^(.*),"pageViews":%d+,"lastSeenAt":"[^"]*",$') .. ',"pageViews":' .. string.format('%.0f', total) .. ',"lastSeenAt":"' .. at .. '",'
end
local merged = table.concat({'1', version, series, kind, base, base_at, seen, seen_at}, ' ') .. table.concat(list)
redis.call('SET', KEYS[1], head .. '"activity":"' .. merged .. '"}', 'PX', math.max(left, ttl, 1))
return 1
