"""What a model does, one file per Hugging Face task name."""
