-- Recursion, joins, sorting, groups, text and a window, for sqlite3: read over and over.
drop table if exists row;
create table row(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into row select i, 'key' || (i * 7919 % 1000), i * 0.37 from n;
create index row_name on row(name);
select name, count(*), sum(value), max(value) from row group by name order by 3 desc limit 3;
select count(*) from row a join row b on a.name = b.name and a.id < b.id where a.id % 7 = 0;
select count(*) from row where name like '%7%' or name glob 'k*9' or replace(name, 'key', '') = '5';
select sum(r) from (select rank() over (partition by id % 10 order by value desc) r from row);
select length(group_concat(upper(name))), json_group_array(id) like '%1%' from row where id < 3000;
