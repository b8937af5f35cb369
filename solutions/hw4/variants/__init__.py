"""Correct answers in other styles: functions ``<question>__<style>``, one module per notebook.

Every test, visible and hidden, must accept each of them.
"""
