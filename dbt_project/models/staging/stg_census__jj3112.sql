{{ census_rows(
    "jj3112",
    ["graduates", "entrants", "entrants_preschool_0", "entrants_preschool_1", "entrants_preschool_2", "entrants_preschool_3", "enrolment", "enrolment_female", "grade_1", "grade_2", "grade_3", "grade_4", "grade_5", "grade_6", "expected_graduates"],
) }}
