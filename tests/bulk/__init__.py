"""Changes to very many documents."""
