import type { TableDefinition } from '../definitions/emulated-table.ts';
import { guid } from '../table-parts/column-kinds.ts';
import { primaryId, versionNumber } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

/** The N:N table between users and teams. It is not marked as tracked, but it can be tracked as both ends are. */
export const teammembership: TableDefinition = defineTable({
  schemaName: 'TeamMembership',
  entitySetName: 'teammemberships',
  objectTypeCode: 23,
  ownershipType: 'None',
  changeTrackingEnabled: false,
  canChangeTrackingBeEnabled: false,
  intersects: ['systemuser', 'team'],
  displayName: ['Team Membership', 'Teammitgliedschaft'],
  displayCollectionName: ['Team Memberships', 'Teammitgliedschaften'],
  columns: [
    primaryId('TeamMembershipId', ['Team Membership', 'Teammitgliedschaft']),
    guid('SystemUserId', ['User', 'Benutzer']),
    guid('TeamId', ['Team', 'Team']),
    versionNumber(),
  ],
});
