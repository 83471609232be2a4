"""The program beside the engine in a batch pod: reads an OpenAI batch file, drives the engine, writes the results.

In: a file, URL or object of JSON lines. Out: results in input order, a file of lines that could not be done, counts.
It knows nothing of the operator, the cluster or money; it runs in the tenant's pod with the tenant's Secrets.
"""
