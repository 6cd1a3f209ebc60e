{{ census_rows(
    "jj2105",
    ["classes", "c_le20", "c_21_25", "c_26_30", "c_31_35", "c_ge36", "children", "children_female"],
) }}
