"""Account pages: profile, security, API keys, webhooks, usage, data; sign-in."""
