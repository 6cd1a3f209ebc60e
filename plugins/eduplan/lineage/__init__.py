"""Where an indicator comes from, column by column, read off the SQL of the dbt project."""
