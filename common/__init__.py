"""What every component shares: settings, pinned versions, templates, Helm releases and names."""
