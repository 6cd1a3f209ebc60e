"""The one file Airflow's plugin loader reads: shows the scorecard inside Airflow."""

from airflow.plugins_manager import AirflowPlugin

from eduplan.airflow.pages import app


class EduplanPlugin(AirflowPlugin):
    """A page in the navigation, behind Airflow's own login."""

    name = "eduplan"
    fastapi_apps = [{"app": app, "url_prefix": "/eduplan", "name": "eduplan"}]
    external_views = [
        {
            "name": "计划记分卡",
            "href": "/eduplan/scorecard",
            "url_route": "scorecard",
            "destination": "nav",
        }
    ]
