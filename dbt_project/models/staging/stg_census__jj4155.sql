{{ census_rows(
    "jj4155",
    ["total", "c_pe", "c_music", "c_fine_art", "c_art", "c_none"],
) }}
