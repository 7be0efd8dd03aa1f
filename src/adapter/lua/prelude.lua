-- Stands before every script. KEYS: due-list, inc, last, order (DUE has the first two only); ARGV[1]: the token that
-- the caller believes in. Every script keeps three promises: nothing is read as an order that this version did not
-- write (FOREIGN); nothing is done when {po:SS}:inc is not the token (EMPTY); the first write is one that Redis
-- refuses as a whole when it is full or read-only, so that a refused script has done nothing.
local FINAL = { PAID = true, FAILED = true, REJECTED = true }
local OPEN = { READY = true, SENDING = true, PENDING = true, UNKNOWN = true }

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- An error inside a script: another type under our key's name is no error of Redis', but somebody else's data.
local function stopped_by(failure, what)
    if string.find(failure.err, 'WRONGTYPE', 1, true) then
        return { 'FOREIGN', what .. ' is of another type' }
    end
    return failure
end

-- What stops the script before it looks at the order, else nil.
local function stopped()
    local inc = redis.pcall('GET', KEYS[2])
    if type(inc) == 'table' then
        return stopped_by(inc, 'inc')
    end
    if inc ~= ARGV[1] then
        return { 'EMPTY' }
    end
end

-- The order as a table, st = ABSENT when there is none; or nil and what stops the script.
local function load()
    local stop = stopped()
    if stop then
        return nil, stop
    end
    local got = redis.pcall('HMGET', KEYS[4], 'v', 'st', 'att', 'seq', 'pub', 't_arm', 'doubt', 'inst', 'call',
        'src', 'rsrc', 'merchant', 'profile', 'pid', 'refused_pids', 'oid', 'res', 'fp', 'rid')
    if got.err then
        return nil, stopped_by(got, 'the order')
    end
    if not got[1] then
        if redis.call('EXISTS', KEYS[4]) == 1 then
            return nil, { 'FOREIGN', 'the order has no version' }
        end
        return { st = 'ABSENT', att = 0, seq = 0, pub = 0 }
    end
    local order = {
        st = got[2], att = tonumber(got[3]), seq = tonumber(got[4]), pub = tonumber(got[5]), t_arm = got[6],
        doubt = got[7], inst = got[8], call = got[9], src = got[10], rsrc = got[11], merchant = got[12],
        profile = got[13], pid = got[14], refused = got[15], oid = got[16], res = got[17], fp = got[18],
        rid = got[19], doubted = got[7] == '1',
    }
    if got[1] ~= '1' then
        return nil, { 'FOREIGN', 'the order is of version ' .. got[1] }
    end
    if not (FINAL[order.st] or OPEN[order.st]) or not order.att or not order.seq or not order.pub then
        return nil, { 'FOREIGN', 'the order has fields that cannot be read' }
    end
    return order
end

-- The one layout of all answers about an order; the C side reads it by position.
local function answer(word, order, now)
    return {
        word, order.att, order.st, order.seq, order.pub, order.t_arm or '', now, order.doubt or '', order.inst or '',
        order.call or '', order.src or '', order.rsrc or '', order.merchant or '', order.profile or '',
        order.pid or '', order.refused or '', order.oid or '', order.res or '',
    }
end

-- The order's entry in the due-list. Always the first write of a script: it fails where the list is not ours.
local function enter_due(at_ms)
    local done = redis.pcall('ZADD', KEYS[1], at_ms, KEYS[4])
    if type(done) == 'table' then
        return stopped_by(done, 'the due-list')
    end
end

-- ARM, PARK and REJECT of an order that is neither free to be claimed nor SENDING. Doubt stands before src and fp:
-- an order that Redis may have forgotten belongs to every copy of its command, and each publishes what is known.
local function known(order, src, fp, now)
    if order.doubted then
        return answer('KNOWN', order, now)
    end
    if order.fp ~= fp then
        return answer('CONFLICT', order, now)
    end
    return answer(order.src == src and 'KNOWN' or 'DUPLICATE', order, now)
end

-- Free to be claimed by this position: absent, or READY in its hands and never in doubt.
local function is_claimable(order, src, fp)
    return order.st == 'ABSENT'
        or (order.st == 'READY' and order.src == src and order.fp == fp and not order.doubted)
end
