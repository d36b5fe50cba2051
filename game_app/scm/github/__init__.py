"""An organisation at GitHub as the game's source control: nothing of it runs on the board but what sets Drone up."""
