-- For pgbench: sorting, joins, groups, text and a function, beside its own short transactions.
\set n random(1, 1000)
select bid, count(*), sum(abalance), max(length(filler)) from pgbench_accounts where aid % 10 = :n % 10 group by bid;
select a.aid, b.tid from pgbench_accounts a join pgbench_tellers b on a.bid = b.bid where a.aid < :n order by a.aid desc, b.tid;
select string_agg(upper(replace(aid::text, '7', 'seven')), ',' order by aid) from pgbench_accounts where aid < :n;
select count(*) from generate_series(1, :n * 5) i where i::text ~ '^[1-4]+7?' or i::numeric(20, 4) / 3 > 1000;
update pgbench_accounts set abalance = abalance + 1 where aid = :n;
