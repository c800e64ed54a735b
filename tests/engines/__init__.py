"""Firefox and WebKit: the main loop, the stage and the composer in both."""
