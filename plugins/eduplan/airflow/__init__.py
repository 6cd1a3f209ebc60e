"""What ties eduplan to Airflow. Nothing outside this folder (and ``dags/``) imports Airflow."""
