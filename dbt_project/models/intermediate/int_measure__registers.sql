{#-
  Schools and counties on lists with validity dates, valid on 1 September. A list is sent whole: it
  speaks for the school years with a register that begin on or after its earliest date, and a
  school or county that it does not name stands with 0.
-#}
{%- set lists = ['star_schools', 'groups', 'recognitions', 'support_agreements'] -%}
with

listed as (
    {% for list in lists -%}
    select '{{ list }}' as list_name, min(valid_from) as first_day, max(batch_id) as batch_id
    from {{ ref('stg_lists__' ~ list) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

spoken as (
    select
        listed.list_name,
        listed.batch_id,
        year.period_year,
        {{ school_year_start('year.period_year') }} as day
    from listed
    cross join (select distinct period_year from {{ ref('int_school__years') }}) as year
    where listed.first_day <= {{ school_year_start('year.period_year') }}
),

entry as (
    select
        'star_schools' as list_name, county_name, school_name, valid_from, valid_to,
        case when is_recognised then 'recognised' else 'candidate' end as kind
    from {{ ref('stg_lists__star_schools') }}
    union all
    select
        'groups', county_name, member.school_name, valid_from, valid_to,
        case when is_group then 'group' else 'district' end
    from {{ ref('stg_lists__groups') }} as form
    cross join lateral (values (form.school_name), (form.lead_school_name)) as member (school_name)
    union all
    select 'recognitions', county_name, school_name, valid_from, valid_to, kind_name
    from {{ ref('stg_lists__recognitions') }}
    union all
    select 'support_agreements', county_name, school_name, valid_from, valid_to, 'agreement'
    from {{ ref('stg_lists__support_agreements') }}
),

valid_entry as (
    select spoken.list_name, spoken.period_year, entry.kind, entry.county_name, entry.school_name
    from entry
    inner join spoken
        on entry.list_name = spoken.list_name
        and entry.valid_from <= spoken.day
        and coalesce(entry.valid_to >= spoken.day, true)
),

school_entry as (
    select distinct valid_entry.period_year, valid_entry.kind, named.school_code
    from valid_entry
    inner join {{ ref('int_school__named') }} as named
        on valid_entry.county_name = named.county_name
        and valid_entry.school_name = named.school_name
        and valid_entry.period_year = named.period_year
),

-- Schools that can be counted, as the register counts them (1 or 0).
countable as (
    select reporter_code as school_code, period_year, measure_code, stage, value
    from {{ ref('int_measure__register') }}
    where reporter_level = 'school'
    union all
    select school_code, period_year, 'senior_schools', 'senior', 1
    from {{ ref('int_school__stages') }}
    where stage = 'senior'
),

asked as (
    select * from (values
        ('recognitions', 'schools', 'clean_schools', array['清廉学校']),
        ('recognitions', 'county_high_schools', 'county_high_meeting', array['县域普高办学条件达标']),
        ('support_agreements', 'county_high_schools', 'county_high_supported', array['agreement']),
        ('groups', 'kindergartens_registered', 'kindergartens_in_group', array['group']),
        ('groups', 'compulsory_schools', 'compulsory_schools_in_group', array['group', 'district']),
        ('star_schools', 'senior_schools', 'star_high_schools', array['recognised', 'candidate']),
        ('star_schools', 'senior_schools', 'star_high_recognised', array['recognised'])
    ) as asked (list_name, base_measure, measure_code, kinds)
),

school_level as (
    select
        countable.school_code as reporter_code,
        countable.period_year,
        countable.stage,
        asked.measure_code,
        case when bool_or(school_entry.school_code is not null) then max(countable.value) else 0 end
            as value,
        spoken.batch_id
    from countable
    inner join asked on countable.measure_code = asked.base_measure
    inner join spoken
        on asked.list_name = spoken.list_name and countable.period_year = spoken.period_year
    left join school_entry
        on countable.school_code = school_entry.school_code
        and countable.period_year = school_entry.period_year
        and school_entry.kind = any(asked.kinds)
    group by 1, 2, 3, 4, 6
),

-- Named as a candidate and not yet recognised.
candidate as (
    select
        every.reporter_code, every.period_year, every.stage,
        'star_high_candidate' as measure_code, every.value - recognised.value as value, every.batch_id
    from school_level as every
    inner join school_level as recognised
        on every.reporter_code = recognised.reporter_code
        and every.period_year = recognised.period_year
        and recognised.measure_code = 'star_high_recognised'
    where every.measure_code = 'star_high_schools'
),

region as (
    select * from {{ ref('region') }}
    where region_level <> 'city'
),

county_recognised as (
    select
        region.region_code as reporter_code,
        spoken.period_year,
        asked.measure_code,
        exists (
            select 1 from valid_entry
            where valid_entry.kind = asked.kind
                and valid_entry.period_year = spoken.period_year
                and valid_entry.county_name in (region.region_name, region.finance_name)
        )::int as value,
        spoken.batch_id
    from region
    inner join spoken on spoken.list_name = 'recognitions'
    cross join (values
        ('counties_balance_recognised', '义务教育优质均衡'),
        ('counties_preschool_recognised', '学前教育普及普惠')
    ) as asked (measure_code, kind)
    where region.region_level = 'county'
),

model_group as (
    select
        region.region_code as reporter_code,
        spoken.period_year,
        count(distinct form.group_name) as value,
        spoken.batch_id
    from region
    inner join spoken on spoken.list_name = 'groups'
    left join {{ ref('stg_lists__groups') }} as form
        on form.county_name in (region.region_name, region.finance_name)
        and form.valid_from <= spoken.day
        and coalesce(form.valid_to >= spoken.day, true)
        and form.model_date <= spoken.day
    group by 1, 2, 4
),

final as (
    select reporter_code, 'school' as reporter_level, period_year, stage, measure_code, value, batch_id
    from school_level
    union all
    select reporter_code, 'school', period_year, stage, measure_code, value, batch_id
    from candidate
    union all
    select reporter_code, 'county', period_year, 'all', measure_code, value, batch_id
    from county_recognised
    union all
    select reporter_code, 'county', period_year, 'all', 'model_groups', value, batch_id
    from model_group
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value::numeric as value,
    'registers' as family,
    batch_id
from final
