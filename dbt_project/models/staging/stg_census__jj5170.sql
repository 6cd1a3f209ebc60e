{{ census_rows(
    "jj5170",
    ["area_owned", "area_dangerous", "area_new", "area_exclusive", "area_shared"],
) }}
