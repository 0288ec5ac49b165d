"""How capital is divided: the cheapest way back into the playbook's bands, and weights inside a sleeve."""
