-- Readers of the 重点任务分解表 and its progress sheets, for rules and models alike. Ends of periods
-- are last days: 2025年12月底前 is 31 December 2025. 2025年12月前 is not read: it may or may not
-- include December.

create function edu.deadline_rule(value text) returns text
language sql immutable parallel safe
return (
    select case
        when t ~ '^(长期|持续|常态化)(坚持|推进|实施|开展)?$' then 'ongoing'
        when t ~ '^每年((0?[1-9]|1[012])月)?(底|底前|末)?$' then 'yearly'
        when t ~ '^20[0-9]{2}年(底|底前|末|内|上半年)?$'
            or t ~ '^20[0-9]{2}年(0?[1-9]|1[012])月(底|底前|末)$'
            or edu.parse_date(regexp_replace(t, '(之前|前)$', '')) is not null
            then 'date'
    end
    from (select edu.clean(value) as t) as cleaned
);
comment on function edu.deadline_rule(text) is 'date, yearly or ongoing; NULL for a deadline that cannot be read';

create function edu.deadline_date(value text, year integer) returns date
language sql immutable parallel safe
return (
    select case edu.deadline_rule(value)
        when 'date' then coalesce(
            edu.parse_date(regexp_replace(t, '(之前|前)$', '')),
            (make_date(
                substr(t, 1, 4)::int,
                case when t like '%上半年' then 6
                    else coalesce(substring(t from '年(\d+)月')::int, 12) end,
                1
            ) + interval '1 month - 1 day')::date
        )
        when 'yearly' then
            (make_date(year, coalesce(substring(t from '(\d+)月')::int, 12), 1)
            + interval '1 month - 1 day')::date
    end
    from (select edu.clean(value) as t) as cleaned
);
comment on function edu.deadline_date(text, integer) is 'Last day of a deadline; of a yearly one its day in that year; NULL for ongoing and unreadable ones';

create function edu.progress_pct(value text) returns numeric
language sql immutable parallel safe
return (
    select case
        when t in ('已完成', '完成', '全部完成') then 100
        when t in ('未启动', '未开始', '尚未启动') then 0
        when t like '%\%' then edu.parse_number(left(t, -1))
        -- A percentage cell of a workbook arrives as a share: 0.8 is 80 %, 1.05 is 105 %.
        when edu.parse_number(t) < 2 then edu.parse_number(t) * 100
        else edu.parse_number(t)
    end
    from (select edu.clean(value) as t) as cleaned
);
comment on function edu.progress_pct(text) is 'Progress in percent; NULL for words without a number such as 基本完成, and for what cannot be read';

create function edu.progress_state(value text) returns text
language sql immutable parallel safe
return case
    when edu.clean(value) in ('基本完成', '推进中', '进行中', '正在推进', '持续推进') then 'in_progress'
    when edu.progress_pct(value) >= 100 then 'done'
    when edu.progress_pct(value) > 0 then 'in_progress'
    when edu.progress_pct(value) = 0 then 'not_started'
end;
comment on function edu.progress_state(text) is 'done, in_progress or not_started as reported (基本完成 is in progress); NULL for what cannot be read';
