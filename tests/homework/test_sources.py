"""The source notebooks as they are, looked at by the tools."""

from autograder.authoring.lint import lint
from autograder.strength import report
from autograder.strength.mutants import mutants


def test_the_notebooks_have_no_problems(assignment):
    assert lint(assignment.notebooks()) == []


def test_no_two_mutants_of_a_notebook_have_one_name(assignment):
    for notebook in assignment.notebooks():
        names = [mutant.name for question in notebook.questions for mutant in mutants(question)]
        assert len(set(names)) == len(names)


def test_no_explanation_is_stale(assignment):
    """Whether what is explained does survive takes an hour to see; that there is such a mutant is seen at once."""
    explanations = report.read_explanations(assignment.survivors, assignment.notebooks())
    assert all(explanations.values())
