"""How a call of a module is followed: functions in other words, and parts that stand in line."""
