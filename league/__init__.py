"""The league: competitions, submissions, matches and the site around them."""
