-- Doorward's question to the gate, for HAProxy 2.6 or later. Loaded by haproxy.cfg.
-- No answer lets nobody in: whatever is not a clear 200 ends the request here.

local GATE = "http://{{doorward_http}}/gate/haproxy"
local TIMEOUT_MILLISECONDS = 5000

-- What the gate needs to know of the request.
local ASKED = {
{{asked}}
}

-- What the tool is told, in place of the client's own; removed when the gate leaves it out or empty.
local TOLD = {
{{told}}
}

-- Headers of a refusal that the browser needs.
local ANSWERED = { "location", "www-authenticate", "content-type", "cache-control", "set-cookie" }

-- The lists of header values begin at 0 in the request and, by version, at 0 or 1 in the answer.
local function values(headers, name)
  local found = {}
  for index, value in pairs(headers[name] or {}) do
    found[#found + 1] = { index = index, value = value }
  end
  table.sort(found, function(a, b) return a.index < b.index end)
  for position, entry in ipairs(found) do found[position] = entry.value end
  return found
end

local function question(txn)
  local headers = txn.http:req_get_headers()
  local asked = {}
  for _, name in ipairs(ASKED) do
    local found = values(headers, name)
    if #found > 0 then asked[name] = found end
  end
  local host = values(headers, "host")[1] or ""
  asked["x-original-url"] = { "{{scheme}}://" .. host .. txn.f:pathq() }
  asked["x-original-method"] = { txn.f:method() }
  asked["x-forwarded-for"] = { txn.f:src() }
  return asked
end

local function refuse(txn, status, answer)
  local reply = txn:reply({ status = status })
  for _, name in ipairs(ANSWERED) do
    for _, value in ipairs(values(answer and answer.headers or {}, name)) do
      reply:add_header(name, value)
    end
  end
  reply:set_body(answer and answer.body or "")
  txn:done(reply)
end

core.register_action("doorward_gate", { "http-req" }, function(txn)
  local client = core.httpclient()
  local answer = client:get({ url = GATE, headers = question(txn), timeout = TIMEOUT_MILLISECONDS })
  local status = answer and answer.status or 503
  if status == 200 then
    for _, name in ipairs(TOLD) do
      local value = values(answer.headers, name)[1]
      if value and value ~= "" then
        txn.http:req_set_header(name, value)
      else
        txn.http:req_del_header(name)
      end
    end
  elseif status == 403 then
    -- haproxy.cfg shows Doorward's page: it may be longer than a reply made here.
    txn:set_var("txn.doorward_status", 403)
  elseif status >= 300 and status < 500 then
    refuse(txn, status, answer)
  else
    refuse(txn, 503, nil)
  end
end)
