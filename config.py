"""The settings and their defaults. WHATTIME_<NAME> in the environment overrides any of them.

The work module has settings of its own (SETTINGS in app/whattime.py), which are overridden in the same way.
"""

# The client ID (a UUID) of this provider's registration with Globus Auth.
CLIENT_ID = None
# The client secret of that registration. Without ID and secret, `python -m app` runs in local mode.
CLIENT_SECRET = None
# The scope of that registration, which callers' tokens must have.
SCOPE = None

# Where actions are kept: memory:// (lost when the process ends), sqlite:///FILE, or postgresql+psycopg://…
DATABASE_URL = "memory://"

# The work module: what an action does.
WORK = "app.whattime"
# The longest time that a single call of a work hook may take, in seconds.
LEASE_SECONDS = 30
# A whole number that makes chance repeatable: the same durations and failures in each run.
RANDOM_SEED = None

# How long a completed action is kept if its request does not say (an ISO 8601 duration).
RELEASE_AFTER = "P30D"
# The longest time that a request can have its action kept (an ISO 8601 duration).
MAX_RELEASE_AFTER = "P365D"
# How far in the future a request's deadline may be (an ISO 8601 duration).
MAXIMUM_DEADLINE = "P30D"

# Who may introspect: principal URNs separated by commas, all_authenticated_users, or public.
VISIBLE_TO = "all_authenticated_users"
# Who may run actions: principal URNs separated by commas, or all_authenticated_users.
RUNNABLE_BY = "all_authenticated_users"

# The people that /docs offers to act as: NAME=TOKEN, separated by commas. Anyone can read it: local mode only.
DOCS_TOKENS = None

# The largest request body, in bytes.
MAX_CONTENT_LENGTH = 65536

# How requests are logged to stderr: plain, json, or off.
LOG_FORMAT = "plain"

# How long an answer of Globus Auth about a token is used, in seconds.
TOKEN_CACHE_SECONDS = 30
# How many tokens are remembered at a time.
TOKEN_CACHE_SIZE = 10000
