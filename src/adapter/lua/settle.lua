-- SETTLE: writes a verdict, once. ARGV: token mode by inst call att st body late_body pid due_ms oid merchant
-- profile operator fp. mode: ANSWER (own answer), STATUS (asked by the position itself), RESOLUTION.
local order, stop = load()
if stop then
    return stop
end
local mode, by, inst, call, att, st = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local rid = table.concat({ mode, by, inst, call, att, st }, ' ')
local now = now_ms()

-- The same SETTLE again, because its answer was lost or its transaction did not commit: what it wrote still stands.
if order.rid == rid then
    return answer('SETTLED', order, now)
end

-- Final is absorbing (I7). Who asks for the same position, or is the order's own, publishes what stands there: nobody
-- can know whether the one who settled it has committed. In doubt the order is every copy's own.
if FINAL[order.st] then
    if mode == 'STATUS' and ARGV[16] ~= '' and ARGV[16] ~= order.fp and not order.doubted then
        return answer('CONFLICT', order, now) -- a changed copy must not end as if it were the same command
    end
    if FINAL[st] and st ~= order.st then
        return answer('CONTRADICTION', order, now)
    end
    local own = by == order.rsrc or by == order.src or (order.doubted and mode ~= 'RESOLUTION')
    return answer(own and 'SETTLED' or 'DONE', order, now)
end

local seen = order.inst == inst and order.att == att
if mode == 'ANSWER' then
    if order.st ~= 'SENDING' or not seen or order.call ~= call or (order.doubted and st == 'FAILED') then
        return answer('LATE', order, now)
    end
elseif mode == 'STATUS' then
    if order.st ~= 'SENDING' or not seen then
        return answer('MOVED', order, now)
    end
    if ARGV[16] ~= '' and ARGV[16] ~= order.fp then
        return answer('CONFLICT', order, now) -- a changed copy must not settle with its own words
    end
elseif order.st ~= 'ABSENT' and st ~= 'PAID' then
    -- Evidence is bound to its attempt (R4); only "paid" is true whatever was tried since.
    if order.st == 'READY' or not ((order.inst or '') == inst and order.att == att) then
        return answer('MOVED', order, now)
    end
end
-- "error" may speak of a request that Redis has forgotten, while another one paid: only a person may say FAILED (R4).
if st == 'FAILED' and order.doubted and ARGV[15] ~= '1' then
    return answer('DONE', order, now)
end

stop = enter_due(now + ARGV[11])
if stop then
    return stop
end
local word = 'WRITTEN'
order.seq, order.rsrc = order.seq + 1, by
if order.st == 'ABSENT' then
    -- Evidence of an order that Redis does not know: it blocks every payment, belongs to every copy of its command, and
    -- the status decides. UNKNOWN, whatever the evidence said.
    word, order.st, order.doubt, order.t_arm = 'SETTLED', 'UNKNOWN', '1', now
    order.res = st == 'UNKNOWN' and ARGV[8] or ARGV[9]
    order.oid, order.merchant, order.profile = ARGV[12], ARGV[13], ARGV[14]
    redis.call('HSET', KEYS[4], 'v', '1', 'st', 'UNKNOWN', 'fp', '', 'src', '', 'oid', ARGV[12],
        'merchant', ARGV[13], 'profile', ARGV[14], 'inst', '', 'call', '0', 'att', 0, 'seq', order.seq, 'pub', 0,
        't_arm', now, 'doubt', '1', 'res', order.res, 'rsrc', by, 't_settle', now, 'rid', rid)
else
    order.st, order.res = st, ''
    redis.call('HSET', KEYS[4], 'st', st, 'res', ARGV[8], 'rsrc', by, 'seq', order.seq, 't_settle', now, 'rid', rid)
end
if ARGV[10] ~= '' then
    redis.call('HSET', KEYS[4], 'pid', ARGV[10])
    order.pid = ARGV[10]
end
redis.call('SET', KEYS[3], now)
return answer(word, order, now)
