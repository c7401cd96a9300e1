"""What one chapter alone needs: its claims, exercises, terms, views and recipes, in a folder of its own."""
