### En mening för varje händelse som någon kan få veta. $district är stadsdelsnämndens namn, eller "none".

## Registret

registry-area-created = Ett samverkansområde har lagts till.
registry-party-created = En part har lagts till.
registry-board-created = En nämnd har lagts till.
registry-district_board-created = { $district ->
    [none] En stadsdelsnämnd har lagts till.
   *[other] { $district }: nämnden har lagts till.
}
registry-district_board-succeeded = { $district ->
    [none] En stadsdelsnämnd har gått upp i en annan.
   *[other] { $district }: nämnden har gått upp i en annan.
}
registry-agreement-drafted = Arbetet med en överenskommelse har börjat.
registry-agreement-adopted = En lydelse av överenskommelsen har antagits.
registry-agreement-proceeding_recorded = Ett steg i beredningen av överenskommelsen har förts in.
registry-agreement-statement_answered = Ett yttrande över överenskommelsen har fått svar.
registry-proposal-raised = Ett förslag ur en reservation följs från och med nu.
registry-proposal-resolved = Ett förslag ur en reservation har avgjorts.
registry-figure-reported = En redovisad siffra har förts in med sin källa.
registry-organisation-registered = En organisation har förts in i registret.
registry-organisation-updated = Uppgifterna om en organisation har rättats.
registry-organisation-number_changed = En organisation har fått ett annat organisationsnummer.
registry-signatory-state_changed = En organisations ställning till överenskommelsen har ändrats.

## Åtagandena

commitments-commitment-proposed = Ett åtagande har föreslagits.
commitments-commitment-accepted = En part har antagit ett åtagande.
commitments-commitment-declined = En part har avböjt ett åtagande.
commitments-action_plan-drafted = En handlingsplan har påbörjats.
commitments-action_plan-approved = En part har godkänt en handlingsplan.
commitments-action-added = En åtgärd har lagts till i en handlingsplan.
commitments-action-progressed = En åtgärd har kommit vidare.
commitments-action-deadline_moved = Sista dagen för en åtgärd har flyttats.
commitments-follow_up-opened = Årets uppföljning har öppnats: parterna lämnar nu sina redovisningar.
commitments-follow_up-account_submitted = En part har lämnat sin redovisning för året.
commitments-follow_up-deadline_moved = Sista dagen för årets redovisningar har flyttats för alla.
commitments-follow_up-published = Årets uppföljning har publicerats.
commitments-deliberation-recorded = { $district ->
    [none] En stadsdelsnämnd har diskuterat överenskommelsens principer.
   *[other] { $district }: nämnden har diskuterat överenskommelsens principer.
}
