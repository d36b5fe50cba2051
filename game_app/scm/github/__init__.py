"""An organisation at GitHub as the source control: on the board runs the set-up alone."""
