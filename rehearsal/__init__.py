"""The rehearsal: a local cloud on which the unchanged program can be proven before an event."""
