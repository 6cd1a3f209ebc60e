{#- Buildings, land and equipment of each reporter, whole school. Property owned by the school or
    used by it alone counts; shared use does not. -#}
with

building as (
    select
        reporter_code,
        reporter_level,
        period_year,
        max(batch_id) as batch_id,
        sum({{ total(['area_owned', 'area_exclusive']) }}) filter (where row_name = '总计')
            as floor_area,
        sum({{ total(['area_owned', 'area_exclusive']) }}) filter (where row_name = '教学及辅助用房')
            as teaching_and_auxiliary_area,
        sum({{ total(['area_owned', 'area_exclusive']) }}) filter (where row_name = '#室内体育用房')
            as indoor_sports_area,
        sum({{ total(['area_owned', 'area_exclusive']) }}) filter (where row_name = '#幼儿活动用房')
            as activity_room_area
    from {{ ref('stg_census__jj5170') }}
    group by 1, 2, 3
),

-- 教学仪器设备资产值 and 固定资产总值 are in 万元 in this form.
asset as (
    select
        reporter_code,
        reporter_level,
        period_year,
        max(batch_id) as batch_id,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '占地面积%')
            as land_area,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '运动场地面积%')
            as sports_ground_area,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '室外游戏场地面积%')
            as outdoor_play_area,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '图书%') as books,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '教学用终端%')
            as terminals,
        sum({{ total(['owned', 'exclusive']) }}) filter (where row_name like '网络多媒体教室%')
            as multimedia_classrooms,
        10000 * sum({{ total(['owned', 'exclusive']) }})
            filter (where row_name like '%教学仪器设备资产值%') as equipment_value_yuan,
        10000 * sum({{ total(['owned', 'exclusive']) }})
            filter (where row_name like '固定资产总值%') as fixed_assets_yuan
    from {{ ref('stg_census__jj5176') }}
    group by 1, 2, 3
),

final as (
    select
        coalesce(building.reporter_code, asset.reporter_code) as reporter_code,
        coalesce(building.reporter_level, asset.reporter_level) as reporter_level,
        coalesce(building.period_year, asset.period_year) as period_year,
        coalesce(building.batch_id, asset.batch_id) as batch_id,
        measure.measure_code,
        measure.value
    from building
    full join asset using (reporter_code, reporter_level, period_year)
    cross join lateral (values
        ('floor_area', building.floor_area),
        -- The balance rule counts teaching rooms without the indoor sports rooms ...
        (
            'teaching_area',
            building.teaching_and_auxiliary_area - coalesce(building.indoor_sports_area, 0)
        ),
        ('indoor_sports_area', building.indoor_sports_area),
        ('activity_room_area', building.activity_room_area),
        -- ... and puts those to the sports ground.
        ('sports_area', asset.sports_ground_area + coalesce(building.indoor_sports_area, 0)),
        ('sports_ground_area', asset.sports_ground_area),
        ('outdoor_play_area', asset.outdoor_play_area),
        ('land_area', asset.land_area),
        ('books', asset.books),
        ('terminals', asset.terminals),
        ('multimedia_classrooms', asset.multimedia_classrooms),
        ('equipment_value_yuan', asset.equipment_value_yuan),
        ('fixed_assets_yuan', asset.fixed_assets_yuan)
    ) as measure (measure_code, value)
)

select * from final
where value is not null
