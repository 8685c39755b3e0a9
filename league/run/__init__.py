"""`make run`: prepares the data folder, then keeps every process of the league alive."""
