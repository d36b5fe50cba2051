-- What a line becomes before it leaves its node: its secrets hidden, and marked with whose it is.
--
-- Lua's patterns know no alternatives and no case, hence the lists and the lower-case copy that names are sought in.

local HIDDEN = "(hidden)"
local LONGEST = 65536

-- A value behind one of these words is hidden, whatever it looks like.
local WORDS = {
  "password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "api-key",
  "access_key", "private_key", "authorization", "credential", "cookie",
}

-- What is a secret by its looks alone. Players write these lines: no pattern may take longer than in proportion to a
-- line's length, whatever it holds, hence no two repetitions that could share characters.
local LOOKS = {
  "gh[pousr]_" .. ("%w"):rep(16) .. "%w*", -- GitHub
  "glpat%-[%w_-]+", -- GitLab
  "SCW" .. ("%w"):rep(17), -- Scaleway's access keys
  ("%x"):rep(40) .. "%x*", -- Gitea and Drone
  "%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY.*", -- to the end: a key's lines may be one line of JSON
}

-- A key's other lines look like anything: after its first, all lines of its file are hidden until its last, or so many.
local KEY_LINES = 200

-- A run of characters with its JSON Web Token hidden, if it has one: three parts, of which the first begins so.
local function without_token(run)
  local at = run:find("eyJ", 1, true)
  if at and run:find("^[%w_-]+%.[%w_-]+%.", at) then
    return run:sub(1, at - 1) .. HIDDEN
  end
  return nil
end

-- The end of the word in which `at` lies: "db_password_2" is one name.
local function name_end(text, at)
  local _, stop = text:find("^[%w_%-]*", at)
  return stop
end

-- Whether the name that ends at `stop` is an option's, as in --db-password; it begins after `from`.
local function is_option(text, from, stop)
  while stop >= from and text:find("^[%w_%-]", stop) do
    stop = stop - 1
  end
  return text:find("^%-%-", stop + 1) ~= nil
end

-- First and last place of the value behind a name that ends at `stop`, or nothing.
local function value_behind(text, word, from, stop)
  -- password=x   password: x   "password":"x"   \"password\": \"x\"
  local _, separator = text:find('^\\?["\']?%s*[=:]%s*', stop + 1)
  if not separator and is_option(text, from, stop) then
    -- --password x   "--password","x"
    _, separator = text:find('^\\?["\']?,?%s*', stop + 1)
  end
  if not separator or separator == stop then
    return nil
  end
  local first = separator + 1
  local _, quote = text:find('^\\?["\']', first)
  if quote then
    first = quote + 1
    local mark, at = text:sub(quote, quote), first
    local escaped = quote > separator + 1
    while at <= #text do
      local character = text:sub(at, at)
      if character == "\\" and not (escaped and text:sub(at + 1, at + 1) == mark) then
        at = at + 2
      elseif character == mark or character == "\\" then
        return first, at - 1
      else
        at = at + 1
      end
    end
    return first, #text
  end
  -- An unquoted value ends with the word; "Bearer x" and "Basic x" are two.
  local _, scheme = text:find("^%a+%s+", first)
  local kind = scheme and text:sub(first, scheme):lower():match("^%a+")
  if kind == "bearer" or kind == "basic" or kind == "token" then
    first = scheme + 1
  end
  local _, last
  if word == "cookie" then
    -- A header has several, and a comma ends none: "Cookie: theme=dark; session=x,y"
    local _, another = text:find('^[^%s;"\'}%]]+', first)
    while another do
      last = another
      _, another = text:find('^;%s*[^%s;"\'}%]]+', last + 1)
    end
  else
    _, last = text:find('^[^%s,;&"\'}%]]+', first)
  end
  return last and first, last
end

-- The text with every value behind a word hidden.
local function without_values(text, word)
  local lower, parts, kept, from = text:lower(), {}, 1, 1
  while true do
    local _, stop = lower:find(word, from, true)
    if not stop then
      break
    end
    stop = name_end(text, stop + 1)
    local first, last = value_behind(text, word, from, stop)
    if first and last >= first then
      parts[#parts + 1] = text:sub(kept, first - 1)
      parts[#parts + 1] = HIDDEN
      kept, from = last + 1, last + 1
    else
      from = stop + 1
    end
  end
  parts[#parts + 1] = text:sub(kept)
  return table.concat(parts)
end

function mask(text)
  for _, look in ipairs(LOOKS) do
    text = text:gsub(look, HIDDEN)
  end
  text = text:gsub("[%w_.-]+", without_token)
  -- User names and passwords in addresses: scheme://user:password@host
  text = text:gsub("(://)[^/%s@:]*:[^/%s@]*@", "%1" .. HIDDEN .. "@")
  text = text:gsub("([Bb][Ee][Aa][Rr][Ee][Rr]%s+)[%w._~+/=-]+", "%1" .. HIDDEN)
  for _, word in ipairs(WORDS) do
    text = without_values(text, word)
  end
  return text
end

-- Files that are within a key, by their tags, each with how many of its lines are still hidden.
local within = {}

-- The line of a file without its secrets.
local function without_secrets(tag, line)
  local left = within[tag]
  if left then
    local over = left == 1 or line:find("%-%-%-%-%-END [%u ]*PRIVATE KEY")
    within[tag] = not over and left - 1 or nil
    return HIDDEN
  end
  local _, begun = line:find("%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY")
  if begun and not line:find("-----END", begun, true) then
    within[tag] = KEY_LINES
  end
  return mask(line)
end

-- Teams' programs run in team-…, their builds in ci-team-… and cd-team-…; the platform's namespaces have no team.
local function team_of(namespace)
  return namespace:match("^team%-(.+)$") or namespace:match("^c[id]%-team%-(.+)$") or "none"
end

-- Bytes that each team may still write on this node, by the time of its newest line; nothing where no rate is set.
local budgets = {}
local NOTE_SECONDS = 60

-- What becomes of a team's line: the line, a note in its place that lines are left out, or nothing.
-- TEAM_BYTES_PER_SECOND and TEAM_BURST_BYTES stand before this script: one team must not fill Loki's volume for all.
local function within_rate(team, time, line)
  if not TEAM_BYTES_PER_SECOND or team == "none" then
    return line
  end
  local budget = budgets[team] or { left = TEAM_BURST_BYTES, at = time, noted = -NOTE_SECONDS }
  budgets[team] = budget
  -- What waited on a node for long comes with its own time, and is not counted as written now.
  budget.left = math.min(TEAM_BURST_BYTES, budget.left + math.max(0, time - budget.at) * TEAM_BYTES_PER_SECOND)
  budget.at = math.max(budget.at, time)
  if #line <= budget.left then
    budget.left = budget.left - #line
    return line
  elseif time - budget.noted >= NOTE_SECONDS then
    budget.noted = time
    return "shambhala: lines of team " .. team .. " are left out, more than " .. TEAM_BYTES_PER_SECOND .. " bytes a second"
  end
  return nil
end

-- The Deployment, StatefulSet or DaemonSet of a pod, by what these mark their pods with; nil for any other's.
local function workload_of(pod, labels)
  local deployment, hash = pod:match("^(.+)%-(%w+)%-%w+$")
  if deployment and hash == labels["pod-template-hash"] then
    return deployment
  elseif labels["statefulset.kubernetes.io/pod-name"] then
    return pod:match("^(.+)%-%d+$")
  elseif labels["controller-revision-hash"] then
    return pod:match("^(.+)%-%w+$")
  end
  return nil
end

-- The name by which Prometheus counts a pod's component; what it does not count goes by what it calls itself.
local function component_of(namespace, pod, labels, container)
  -- A build's containers are named at random.
  if namespace:find("^c[id]%-") then
    return "build"
  end
  return workload_of(pod, labels) or labels["app.kubernetes.io/name"] or labels["app"] or container or "unknown"
end

-- Called by Fluent Bit for each record; source: https://docs.fluentbit.io/manual/pipeline/filters/lua
function record(tag, timestamp, given)
  -- While the cluster's API does not answer there are no labels, but the file's name says whose line it is:
  -- POD_NAMESPACE_CONTAINER-ID.log, of which no part but the last may have an underscore.
  local file_pod, file_namespace, file_container = tag:match("containers%.([^_]+)_([^_]+)_(.+)%-%x+%.log$")
  local pod = given["kubernetes"] or {}
  local labels = pod["labels"] or {}
  local namespace = pod["namespace_name"] or file_namespace or "unknown"
  local container = pod["container_name"] or file_container
  local name = pod["pod_name"] or file_pod or "unknown"
  local team = team_of(namespace)
  -- Loki would cut it there as well.
  local line = within_rate(team, timestamp, without_secrets(tag, tostring(given["log"] or ""):sub(1, LONGEST)))
  if not line then
    return -1, timestamp, given
  end
  return 2, timestamp, {
    log = line,
    stream = given["stream"],
    namespace = namespace,
    team = team,
    component = component_of(namespace, name, labels, container),
    pod = name,
    -- The aggregator chooses flows by these; they are taken away before a line is kept.
    kubernetes = { namespace_name = namespace, labels = labels, container_name = container },
  }
end
