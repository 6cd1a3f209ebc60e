-- Readers of the text that education systems export. All immutable and parallel safe; the plain
-- spelling takes a short path without regular expressions, because rules run on every row.

create function edu.clean(value text) returns text
language sql immutable parallel safe
return case
    -- ASCII text is its own NFKC form; normalize() would cost ten times the comparison.
    when octet_length(value) = char_length(value) then nullif(btrim(value, E' \t\r\n'), '')
    else nullif(btrim(normalize(value, NFKC), E' \t\r\n\u00a0\u3000\u200b\ufeff'), '')
end;
comment on function edu.clean(text) is 'NFKC, blanks (ASCII, NBSP, U+3000, zero width, BOM) stripped at both ends, empty becomes NULL';

create function edu.is_filled(value text) returns boolean
language sql immutable parallel safe
return case
    when ascii(value) not in (0, 9, 10, 13, 32, 160, 8203, 12288, 65279) then true
    else edu.clean(value) is not null
end;
comment on function edu.is_filled(text) is 'Whether anything but blanks stands in the cell; never NULL';

create function edu.is_digits(value text) returns boolean
language sql immutable parallel safe
return value <> '' and ltrim(value, '0123456789') = '';
comment on function edu.is_digits(text) is 'Only the ASCII digits 0 to 9, at least one; NULL for NULL';

create function edu.number_text(value text) returns text
language sql immutable parallel safe
return (
    select case
        when t ~ '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?$' then t
        when t ~ '^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$' then replace(t, ',', '')
        when t ~ '^\(([0-9]+\.?[0-9]*|[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?)\)$'
            then '-' || translate(t, '(),', '')
    end
    from (select replace(edu.clean(value), U&'\2212', '-') as t) as cleaned
);
comment on function edu.number_text(text) is 'A number in plain notation: thousands separators removed, (1.2) is -1.2; NULL if it is none';

create function edu.is_no_data(value text) returns boolean
language sql immutable parallel safe
return coalesce(
    edu.clean(value) in ('-', '--', '—', '——', '–', '−', '/', '无', '…', '...'), not edu.is_filled(value)
);
comment on function edu.is_no_data(text) is 'Blank, or one of the marks for no data: - — － / 无 (which are not zero)';

create function edu.parse_number(value text) returns numeric
language sql immutable parallel safe
return case
    when edu.is_digits(value) then value::numeric
    when value in ('', '-') then null
    else edu.number_text(value)::numeric
end;
comment on function edu.parse_number(text) is 'The number in a cell; NULL for no data and for anything else';

create function edu.is_number(value text) returns boolean
language sql immutable parallel safe
return case
    when edu.is_digits(value) then true
    when edu.is_no_data(value) then null
    else edu.number_text(value) is not null
end;
comment on function edu.is_number(text) is 'TRUE a number, NULL no data, FALSE anything else';

create function edu.is_integer(value text) returns boolean
language sql immutable parallel safe
return case
    when edu.is_digits(value) then true
    when edu.is_no_data(value) then null
    else coalesce(mod(edu.number_text(value)::numeric, 1) = 0, false)
end;
comment on function edu.is_integer(text) is 'TRUE a whole number, NULL no data, FALSE anything else';

create function edu.ymd(value text) returns date
language sql immutable parallel safe
return case
    when value !~ '^(19|20|21)[0-9][0-9](0[1-9]|1[012])(0[1-9]|[12][0-9]|3[01])$' then null
    when substr(value, 7, 2) > '28' and (
        substr(value, 5, 4) in ('0230', '0231', '0431', '0631', '0931', '1131')
        or substr(value, 5, 4) = '0229'
            and not (mod(substr(value, 1, 4)::int, 4) = 0
                and (mod(substr(value, 1, 4)::int, 100) <> 0 or mod(substr(value, 1, 4)::int, 400) = 0))
    ) then null
    else make_date(substr(value, 1, 4)::int, substr(value, 5, 2)::int, substr(value, 7, 2)::int)
end;
comment on function edu.ymd(text) is 'The date written YYYYMMDD, 1900 to 2199; NULL if there is no such day';

create function edu.date_text(value text) returns text
language sql immutable parallel safe
return (
    select case
        when edu.is_digits(t) then t
        else (
            select m[1] || lpad(m[2], 2, '0') || lpad(m[3], 2, '0')
            from regexp_match(
                t, '^([0-9]{4})[-/.—。、年]([0-9]{1,2})[-/.—。、月]([0-9]{1,2})日?( 0?0:00(:00)?)?$'
            ) as m
        )
    end
    from (select edu.clean(value) as t) as cleaned
);
comment on function edu.date_text(text) is 'A date with / - — 。 . 、 or 年月日 as YYYYMMDD, not checked; NULL if it is none';

create function edu.parse_date(value text) returns date
language sql immutable parallel safe
return case
    when value is null or value in ('', '-') then null
    when octet_length(value) = 8 then coalesce(edu.ymd(value), edu.ymd(edu.date_text(value)))
    else edu.ymd(edu.date_text(value))
end;
comment on function edu.parse_date(text) is 'The date in a cell, any of the notations seen; NULL for blank and invalid';

create function edu.is_date(value text) returns boolean
language sql immutable parallel safe
return case
    when edu.parse_date(value) is not null then true
    when edu.is_no_data(value) then null
    else false
end;
comment on function edu.is_date(text) is 'TRUE a date, NULL no data, FALSE anything else';

create function edu.parse_month(value text) returns date
language sql immutable parallel safe
return case
    when octet_length(value) = 6 and edu.is_digits(value) then edu.ymd(value || '01')
    else coalesce(
        date_trunc('month', edu.parse_date(value)::timestamp)::date,
        edu.ymd((
            select m[1] || lpad(m[2], 2, '0') || '01'
            from regexp_match(edu.clean(value), '^([0-9]{4})[-/.年]([0-9]{1,2})月?$') as m
        )),
        edu.ymd(edu.clean(value) || '01')
    )
end;
comment on function edu.parse_month(text) is 'First day of the month written YYYYMM, 2019-09, 2019年9月 or as a full date; NULL if it is none';

create function edu.clean_id(value text) returns text
language sql immutable parallel safe
return case
    when octet_length(value) = 18 then replace(value, 'x', 'X')
    else upper(edu.clean(value))
end;
comment on function edu.clean_id(text) is 'An identity number with half-width characters, upper-case X, without blanks around it';

create function edu.is_scientific(value text) returns boolean
language sql immutable parallel safe
return case
    when strpos(value, 'E') = 0 and strpos(value, 'e') = 0 then false
    else value ~ '^\s*[0-9](\.[0-9]*)?[eE]\+?[0-9]{1,2}\s*$'
end;
comment on function edu.is_scientific(text) is 'A long number ruined by a spreadsheet, such as 4.50499E+17';

create function edu.check_character(number_18 text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    -- Once into a bigint: seventeen substrings of the text cost twice as much.
    n constant bigint := left(number_18, 17)::bigint;
    weighted constant bigint :=
        n / 10000000000000000 % 10 * 7 + n / 1000000000000000 % 10 * 9
        + n / 100000000000000 % 10 * 10 + n / 10000000000000 % 10 * 5
        + n / 1000000000000 % 10 * 8 + n / 100000000000 % 10 * 4
        + n / 10000000000 % 10 * 2 + n / 1000000000 % 10 * 1
        + n / 100000000 % 10 * 6 + n / 10000000 % 10 * 3
        + n / 1000000 % 10 * 7 + n / 100000 % 10 * 9
        + n / 10000 % 10 * 10 + n / 1000 % 10 * 5
        + n / 100 % 10 * 8 + n / 10 % 10 * 4
        + n % 10 * 2;
begin
    return substr('10X98765432', (weighted % 11)::int + 1, 1);
end
$$;
comment on function edu.check_character(text) is 'GB 11643-1999 (ISO 7064 MOD 11-2) check character of 17 digits; what follows them is ignored';

create function edu.id_shape_ok(number_18 text) returns boolean
language sql immutable parallel safe
return octet_length(number_18) = 18 and number_18 ~ '^[0-9]*[0-9Xx]$';
comment on function edu.id_shape_ok(text) is '17 digits and a digit or X, half-width, nothing around';

create function edu.id_check_cleaned(value text) returns boolean
language sql immutable parallel safe
return (
    select case
        when edu.id_shape_ok(t) then edu.check_character(t) = right(t, 1)
        when t is not null then false
    end
    from (select edu.clean_id(value) as t) as cleaned
);

create function edu.id_check_ok(value text) returns boolean
language sql immutable parallel safe
return case
    when edu.id_shape_ok(value)
        then edu.check_character(value) = translate(right(value, 1), 'x', 'X')
    else edu.id_check_cleaned(value)
end;
comment on function edu.id_check_ok(text) is 'Whether an 18-character identity number has its GB 11643 check character; NULL for blank';

create function edu.id_birth(value text) returns date
language sql immutable parallel safe
return case
    when edu.id_shape_ok(value) then edu.ymd(substr(value, 7, 8))
    when edu.id_shape_ok(edu.clean_id(value)) then edu.ymd(substr(edu.clean_id(value), 7, 8))
end;
comment on function edu.id_birth(text) is 'Birth date in an identity number; NULL if the number is malformed';

create function edu.id_sex(value text) returns text
language sql immutable parallel safe
return case
    when edu.id_shape_ok(value)
        then case when substr(value, 17, 1) in ('1', '3', '5', '7', '9') then '男' else '女' end
    when edu.id_shape_ok(edu.clean_id(value))
        then case
            when substr(edu.clean_id(value), 17, 1) in ('1', '3', '5', '7', '9') then '男' else '女'
        end
end;
comment on function edu.id_sex(text) is 'Sex by digit 17 of an identity number (odd 男, even 女); NULL if the number is malformed';

create function edu.school_code_ok(value text) returns boolean
language sql immutable parallel safe
return octet_length(value) = 10
    and left(value, 2) in ('11', '21', '31', '34', '36', '51')
    and substr(value, 3, 2) = '45'
    and ltrim(value, '0123456789') = '';
comment on function edu.school_code_ok(text) is 'Whether a school code has the form of Guangxi: category, 45, six digits';

create function edu.division_code_ok(value text) returns boolean
language sql immutable parallel safe
return octet_length(value) = 12 and ltrim(value, '0123456789') = '';
comment on function edu.division_code_ok(text) is 'Whether it is a 12-digit division code';

create function edu.grade_no(grade text) returns integer
language sql immutable parallel safe
return nullif(strpos('一二三四五六', nullif(substr(grade, 3, 1), '')), 0);
comment on function edu.grade_no(text) is 'Number of a grade written 小学一年级, 初中三年级 …';

create function edu.degree_rank(degree text) returns integer
language sql immutable parallel safe
return array_position(
    array['高中以下', '高中阶段', '专科', '本科', '硕士研究生', '博士研究生'], edu.clean(degree)
);
comment on function edu.degree_rank(text) is 'Order of 学历 in the education statistics, 1 高中以下 to 6 博士研究生';

create function edu.cell(value text) returns numeric
language sql immutable parallel safe
return coalesce(edu.parse_number(value), 0);
comment on function edu.cell(text) is 'A cell of a statistics form inside a sum: no data counts as zero there';

-- Reference lists that rules look values up in. Those of one city (county, region_name) are filled
-- from the seed dbt_project/seeds/region.csv, so that no city stands in the code.
create table ref_data.county (
    county_code text primary key,
    county_name text not null,
    is_city_run boolean not null
);
comment on table ref_data.county is 'Counties of the city (GB/T 2260); 450401 collects the city-run schools';

create table ref_data.region_name (
    region_name text primary key,
    county_code text not null references ref_data.county
);
comment on table ref_data.region_name is 'Names of counties as finance and population tables write them';

create table ref_data.province (
    province_name text primary key,
    province_code text not null unique
);
comment on table ref_data.province is 'Provinces as the National Bureau of Statistics names them (GB/T 2260)';
insert into ref_data.province values
    ('北京市', '110000'), ('天津市', '120000'), ('河北省', '130000'), ('山西省', '140000'),
    ('内蒙古自治区', '150000'), ('辽宁省', '210000'), ('吉林省', '220000'), ('黑龙江省', '230000'),
    ('上海市', '310000'), ('江苏省', '320000'), ('浙江省', '330000'), ('安徽省', '340000'),
    ('福建省', '350000'), ('江西省', '360000'), ('山东省', '370000'), ('河南省', '410000'),
    ('湖北省', '420000'), ('湖南省', '430000'), ('广东省', '440000'), ('广西壮族自治区', '450000'),
    ('海南省', '460000'), ('重庆市', '500000'), ('四川省', '510000'), ('贵州省', '520000'),
    ('云南省', '530000'), ('西藏自治区', '540000'), ('陕西省', '610000'), ('甘肃省', '620000'),
    ('青海省', '630000'), ('宁夏回族自治区', '640000'), ('新疆维吾尔自治区', '650000');

create table ref_data.school_type (
    school_type_code text primary key,
    school_type text not null,
    category text not null
);
comment on table ref_data.school_type is 'Current 办学类型码 (GB/T 33782-2017 table 4) and the category, the first two digits of the school code';
insert into ref_data.school_type values
    ('111', '幼儿园', '11'), ('119', '附设幼儿班', '11'),
    ('211', '小学', '21'), ('218', '小学教学点', '21'), ('219', '附设小学班', '21'),
    ('221', '职工小学', '22'), ('222', '农民小学', '22'), ('228', '小学班', '22'), ('229', '扫盲班', '22'),
    ('311', '初级中学', '31'), ('312', '九年一贯制学校', '31'), ('319', '附设普通初中班', '31'),
    ('321', '职业初中', '32'), ('329', '附设职业初中班', '32'),
    ('331', '成人职工初中', '33'), ('332', '成人农民初中', '33'),
    ('341', '完全中学', '34'), ('342', '高级中学', '34'), ('345', '十二年一贯制学校', '34'),
    ('349', '附设普通高中班', '34'),
    ('351', '成人职工高中', '35'), ('352', '成人农民高中', '35'),
    ('361', '调整后中等职业学校', '36'), ('362', '中等技术学校', '36'), ('363', '中等师范学校', '36'),
    ('364', '成人中等专业学校', '36'), ('365', '职业高中学校', '36'), ('366', '技工学校', '36'),
    ('368', '附设中职班', '36'), ('369', '其他机构', '36'),
    ('371', '工读学校', '37'),
    ('511', '盲人学校', '51'), ('512', '聋人学校', '51'), ('513', '弱智(培智)学校', '51'),
    ('514', '其他特殊教育学校', '51'), ('519', '附设特教班', '51');

create table ref_data.school_type_stage (
    school_type_code text not null references ref_data.school_type,
    stage text not null,
    primary key (school_type_code, stage)
);
comment on table ref_data.school_type_stage is 'Stages that a type of school may teach, named as grades begin (小学一年级)';
insert into ref_data.school_type_stage
select t.school_type_code, s.stage
from ref_data.school_type as t
cross join (values ('小学'), ('初中'), ('高中'), ('中职')) as s (stage)
where
    s.stage = '小学' and t.school_type_code in ('211', '218', '219', '312', '345', '371')
    or s.stage = '初中' and t.school_type_code in ('311', '312', '319', '341', '345', '371')
    or s.stage = '高中' and t.school_type_code in ('341', '342', '345', '349')
    or s.stage = '中职' and t.category = '36'
    or t.category = '51';
