-- Schools and kindergartens there are now.
select school_code, school_name, school_type_code, county_code, ownership, urban_rural
from marts.dim_school
where is_current
order by county_code, school_type_code, school_name, school_code
