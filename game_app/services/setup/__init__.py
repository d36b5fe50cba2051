"""Set-up of the source control and of Drone, without a click; each later run mends what was changed by hand."""
