{#-
  Status of `value` (an SQL expression) against its trajectory and final target. Reads the columns
  direction, sign, trajectory_value, target_2027, band_low, band_high, span, period_year and
  baseline_year of `ind_progress`.
-#}
{% macro plan_status(value) -%}
case
    when {{ value }} is null then 'no_data'
    when period_year < baseline_year then 'no_target'
    when direction = 'target_band' then
        case
            when trajectory_value is null then 'no_target'
            when {{ value }} between band_low and band_high then 'met'
            when least(abs({{ value }} - band_low), abs({{ value }} - band_high))
                <= {{ var('at_risk_share') }} * span then 'at_risk'
            else 'off_track'
        end
    when target_2027 is null then 'no_target'
    when sign * ({{ value }} - target_2027) >= 0 then 'met'
    when trajectory_value is null then 'not_yet'
    when sign * ({{ value }} - trajectory_value) >= 0 then 'on_track'
    when sign * (trajectory_value - {{ value }}) <= {{ var('at_risk_share') }} * span then 'at_risk'
    else 'off_track'
end
{%- endmacro %}
