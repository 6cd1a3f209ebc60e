"""Superset for eduplan: Chinese, our colours, nothing from outside, row rules for counties.

Secrets and addresses come as environment variables (``eduplan bi up`` or docker compose sets
them); everything else stands here. Superset imports this module by its name.
"""

import os

from superset.config import TALISMAN_CONFIG as _TALISMAN
from superset.config import THEME_DEFAULT as _THEME

APP_NAME = "教育规划指标"
SECRET_KEY = os.environ["EDUPLAN_SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["EDUPLAN_SUPERSET_METADATA"]

# --- language ---
BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "us", "name": "English"}}
D3_FORMAT = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["¥", ""]}

# --- who may do what ---
_TLS = os.environ.get("EDUPLAN_SUPERSET_TLS") == "1"
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _TLS
ENABLE_PROXY_FIX = _TLS
AUTH_ROLE_PUBLIC = "Public"
PUBLIC_ROLE_LIKE = None  # nobody sees anything without a login
AUTH_USER_REGISTRATION = False
PREVENT_UNSAFE_DB_CONNECTIONS = True
FEATURE_FLAGS = {
    "ALERT_REPORTS": False,  # eduplan mails its own alerts
    "DASHBOARD_RBAC": True,
    "DASHBOARD_VIRTUALIZATION": False,  # printed pages show every chart
    "EMBEDDABLE_CHARTS": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ESCAPE_MARKDOWN_HTML": True,
}
# Nothing is loaded from another host: the policy names none.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    **_TALISMAN,
    "content_security_policy": {
        **_TALISMAN["content_security_policy"],
        "img-src": ["'self'", "blob:", "data:"],
        "connect-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
    },
    "force_https": False,
    "session_cookie_secure": _TLS,
}
CONTENT_SECURITY_POLICY_WARNING = False

# --- limits and caches ---
ROW_LIMIT = 10_000
SQL_MAX_ROW = 50_000
SUPERSET_WEBSERVER_TIMEOUT = 60
_REDIS = os.environ.get("EDUPLAN_SUPERSET_REDIS_URL")
_CACHE = (
    {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": _REDIS}
    if _REDIS
    else {"CACHE_TYPE": "SupersetMetastoreCache"}
)
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# Figures are read anew each time: the warehouse is small, and a build changes them at once.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
FILTER_STATE_CACHE_CONFIG = {
    **_CACHE, "CACHE_DEFAULT_TIMEOUT": 90 * 86_400, "CACHE_KEY_PREFIX": "filter_",
}  # fmt: skip
EXPLORE_FORM_DATA_CACHE_CONFIG = {
    **_CACHE, "CACHE_DEFAULT_TIMEOUT": 7 * 86_400, "CACHE_KEY_PREFIX": "explore_",
}  # fmt: skip
RATELIMIT_STORAGE_URI = _REDIS or "memory://"

# --- looks ---
_FONT = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
# The whole dictionary: Superset replaces its own by this one, it does not merge them.
THEME_DEFAULT = {
    **_THEME,
    "token": {
        **_THEME["token"],
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "colorPrimary": "#1f5f8b",
        "colorLink": "#1f5f8b",
        "colorInfo": "#1f5f8b",
        "colorSuccess": "#2e7d4f",
        "colorWarning": "#b7791f",
        "colorError": "#b3372f",
        "fontFamily": _FONT,
    },
}
THEME_DARK = None
