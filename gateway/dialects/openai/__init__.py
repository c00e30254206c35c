"""OpenAI's API: embeddings, chat, completions, transcriptions."""
