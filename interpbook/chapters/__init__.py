"""What one chapter alone needs: its claims, exercises, views and recipes, in a folder of its own."""
