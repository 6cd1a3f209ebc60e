"""Superset for eduplan: Chinese, our colours, nothing from outside, row rules for counties.

Secrets and addresses come as environment variables (``eduplan bi up`` or docker compose sets
them); everything else stands here. Superset imports this module by its name.
"""

import os
from urllib.parse import quote

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
FAB_API_MAX_PAGE_SIZE = 5_000  # `eduplan bi up` reads lists in one page
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


def _mark(width):
    """Return our sign, with our name where there is room, as a picture within the page."""
    font = "font-size='17' font-family='sans-serif' fill='#16202e'"
    name = f"<text x='40' y='22' {font}>{APP_NAME}</text>" if width > 100 else ""
    return "data:image/svg+xml," + quote(
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='32'>"
        "<rect width='32' height='32' rx='6' fill='#1f5f8b'/>"
        "<g fill='#fff'><rect x='7' y='17' width='4' height='9'/><rect x='14' y='12' width='4'"
        " height='14'/><rect x='21' y='6' width='4' height='20'/></g>"
        f"{name}</svg>"
    )


# The whole dictionary: Superset replaces its own by this one, it does not merge them.
THEME_DEFAULT = {
    **_THEME,
    "token": {
        **_THEME["token"],
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": _mark(150),
        "brandLogoHeight": "32px",
        "brandLogoMargin": "14px 0",
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
FAVICONS = [{"href": _mark(32)}]

# Charts take the colours of a scheme in the order of their series. A status is a shape and a word
# first; the colours are those of the scorecard page.
_MET, _ON, _RISK, _OFF = "#0f5a4a", "#3d9a76", "#d9a23c", "#b02a30"
_NEUTRAL = "#9aa6b2"


def _scheme(name, label, *colors):
    return {
        "id": name, "label": label, "description": label, "isDefault": False, "colors": [*colors],
    }  # fmt: skip


EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    _scheme("eduplan_status", "指标状态（已达标、达轨、偏慢、滞后）", _MET, _ON, _RISK, _OFF),
    _scheme(
        "eduplan_tasks", "任务状态（推进中、按期、未启动、逾期完成、逾期未完成）",
        "#7f9cb8", _ON, "#d5dbe1", _RISK, _OFF,
    ),
    _scheme("eduplan_due", "迟报、未报", _RISK, _OFF),
    _scheme("eduplan_flow", "已了结、进入隔离、待处理", _ON, _RISK, _OFF),
    _scheme(
        "eduplan_lines", "数值、应达值、目标",
        "#1f5f8b", _NEUTRAL, "#c8781f", "#5b7f5a", "#8a6fa8", "#4f5b6b", "#b5838d", "#6a9fb5",
    ),
]  # fmt: skip
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        **_scheme(
            "eduplan_gap", "与应达值之差（落后红，领先绿）",
            "#a8262c", "#d9807c", "#f3c4c1", "#f7f7f5", "#dcefe4", "#8cc7a6", "#1c7a58",
        ),
        "isDiverging": True,
    }
]  # fmt: skip
