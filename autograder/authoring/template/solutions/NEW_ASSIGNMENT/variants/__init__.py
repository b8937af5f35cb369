"""Correct answers in other styles, a module for each notebook: functions ``<question>__<style>``.

Every test must accept them all.
"""
