-- Stores a record if the one that is there has the version it replaces.
-- KEYS: the record. ARGV: previous version ("0": none may be there), version,
-- series, ttl in ms, head of the document, kind, page views and last-seen time
-- that the document says.
local value = redis.call('GET', KEYS[1])
local previous, version, series, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local head, kind, base, base_at = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local seen, seen_at, writers = '0', '-', ''
if value then
	local tail = value:match('"activity":"(1 [^"]*)"}$')
	local stored, stored_series, stored_seen, stored_at, stored_writers
	if tail then
		stored, stored_series, stored_seen, stored_at, stored_writers = tail:match('^1 (%S+) (%S+) %S+ %S+ %S+ (%S+) (%S+)(.*)$')
	end
	if previous == '0' or stored ~= previous then
		return 0
	end
	if stored_series == series then
		seen, seen_at, writers = stored_seen, stored_at, stored_writers
	end
elseif previous ~= '0' then
	return 0
end
if ttl <= 0 then
	redis.call('DEL', KEYS[1])
	return 1
end
local total, at = tonumber(base), base_at
for _, count in writers:gmatch(' (%S+)=(%d+)') do
	total = total + tonumber(count)
end
if seen_at ~= '-' and seen_at > at then
	at = seen_at
end
local tail = table.concat({'1', version, series, kind, base, base_at, seen, seen_at}, ' ') .. writers
local shown = ''
if kind == 's' then
	shown = ',"pageViews":' .. string.format('%.0f', total) .. ',"lastSeenAt":"' .. at .. '"'
end
if kind ~= 'e' then
	shown = shown .. ','
end
redis.call('SET', KEYS[1], head .. shown .. '"activity":"' .. tail .. '"}', 'PX', ttl)
return 1
