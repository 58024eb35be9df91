### One sentence for each event that somebody can be told of. $district is the district board's name, or "none".

## The registry

registry-area-created = An area of cooperation was added.
registry-party-created = A party was added.
registry-board-created = A board was added.
registry-district_board-created = { $district ->
    [none] A district board was added.
   *[other] { $district }: the board was added.
}
registry-district_board-succeeded = { $district ->
    [none] A district board became part of another.
   *[other] { $district }: the board became part of another.
}
registry-agreement-drafted = Work on an agreement has begun.
registry-agreement-adopted = A version of the agreement was adopted.
registry-agreement-proceeding_recorded = A step of how the agreement came to be was recorded.
registry-agreement-statement_answered = A statement on the agreement was answered.
registry-proposal-raised = A proposal of a reservation is followed from now on.
registry-proposal-resolved = A proposal of a reservation was resolved.
registry-figure-reported = A reported figure was recorded with its source.
registry-organisation-registered = An organisation was entered in the register.
registry-organisation-updated = What is recorded of an organisation was corrected.
registry-organisation-number_changed = An organisation has another organisation number.
registry-signatory-state_changed = An organisation's relation to the agreement changed.

## The commitments

commitments-commitment-proposed = A commitment was proposed.
commitments-commitment-accepted = A party accepted a commitment.
commitments-commitment-declined = A party declined a commitment.
commitments-action_plan-drafted = An action plan was begun.
commitments-action_plan-approved = A party approved an action plan.
commitments-action-added = An action was added to an action plan.
commitments-action-progressed = An action moved on.
commitments-action-deadline_moved = The last day of an action was moved.
commitments-follow_up-opened = The year's follow-up was opened: the parties now hand in their accounts.
commitments-follow_up-account_submitted = A party handed in its account for the year.
commitments-follow_up-deadline_moved = The last day for the year's accounts was moved for everyone.
commitments-follow_up-published = The year's follow-up was published.
commitments-deliberation-recorded = { $district ->
    [none] A district board discussed the principles of the agreement.
   *[other] { $district }: the board discussed the principles of the agreement.
}
