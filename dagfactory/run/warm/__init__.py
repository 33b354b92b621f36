"""`dagfactory up`: an Airflow that stays, and the runs that borrow it.

What stays is an image of imported code and the API server; each run gets a scheduler, a DAG processor,
a triggerer and an emulator forked from that image, which end with it. `server` keeps them, `client`
borrows, `wire` is what they say to each other, on a Unix socket in the project's own folder.
"""
