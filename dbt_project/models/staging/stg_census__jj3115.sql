{{ census_rows(
    "jj3115",
    ["graduates", "entrants", "enrolment", "enrolment_female", "grade_7", "grade_8", "grade_9", "expected_graduates"],
) }}
