"""What can be asked. Everything that is asked is a Question; one that tests hypotheses is a Probe."""
