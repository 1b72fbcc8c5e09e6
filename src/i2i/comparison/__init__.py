"""Tables, a picture and a page that compare runs."""
