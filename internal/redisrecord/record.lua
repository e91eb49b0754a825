-- Numbers are in their shortest form.
local function plain(n)
  return n == '0' or not string.find(n, '^%-?0')
end

-- The parts of a record, and nothing if the value is none. start is what comes
-- before the members that are rewritten.
local function parse(value)
  local start, version, series, base, seen, writers = string.match(value,
    '^(.*)"pageViews":%d+,"lastSeenAt":"%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ",'
    .. '"activity":"1 (%-?%d+) ([%w-]+) (%d+@%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ) (%d+)([^"]*)"}$')
  if not start then
    start, version, series, base, seen, writers = string.match(value,
      '^(.*)"activity":"1 (%-?%d+) ([%w-]+) (%-%d*) (%d+)([^"]*)"}$')
  end
  if not start or not (plain(version) and plain(seen) and plain(string.match(base, '^%d*'))) then
    return nil
  end
  local rest = string.gsub(writers, ' [%w.-]+=(%d+)%+(%d+)%+(%d+)', function(v, e, o)
    return plain(v) and plain(e) and plain(o) and '' or nil
  end)
  if rest ~= '' then
    return nil
  end
  return start, version, series, base, seen, writers
end

-- The time of Unix milliseconds, and nothing past the year 9999. Days are
-- counted from 1 March of the year 0, so that a leap day ends its year.
local function iso(ms)
  if ms >= 253402300800000 then
    return nil
  end
  local floor = math.floor
  local days = floor(ms / 86400000) + 719468
  local era = floor(days / 146097)
  local day = days % 146097
  local year = floor((day - floor(day / 1460) + floor(day / 36524) - floor(day / 146096)) / 365)
  day = day - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * day + 2) / 153)
  day = day - floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + 400 * era + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    floor(ms / 3600000) % 24, floor(ms / 60000) % 60, floor(ms / 1000) % 60, ms % 1000)
end

local function render(start, version, series, base, seen, writers)
  local shown = ''
  local views, at = string.match(base, '^(%d+)@(.+)$')
  if views then
    for n in string.gmatch(writers, '=(%d+)') do
      views = views + n
    end
    local merged = iso(tonumber(seen))
    if merged and merged > at then
      at = merged
    end
    shown = string.format('"pageViews":%.0f,"lastSeenAt":"%s",', views, at)
  end
  return start .. shown .. '"activity":"1 ' .. version .. ' ' .. series .. ' ' .. base .. ' ' .. seen .. writers .. '"}'
end
