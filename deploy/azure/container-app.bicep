// mirrorverse on Azure Container Apps. The daemon signs in to Dataverse by a managed identity of its own; the address of
// the database comes from a Key Vault that exists.
//
//   az deployment group create --resource-group crm-mirror --template-file container-app.bicep \
//     --parameters environmentUrl=https://contoso.crm.dynamics.com tables=account,contact keyVaultName=crm-mirror-kv
//
// Afterwards make the identity an application user of the environment, by its client id (the output `clientId`).

@description('The address of the Dataverse environment.')
param environmentUrl string

@description('The tables to mirror, with commas between them.')
param tables string

@description('A Key Vault of this resource group. It has the address of the database in a secret.')
param keyVaultName string

@description('The name of that secret. Its value is an address as postgres://mirror:…@host/crm.')
param databaseUrlSecret string = 'database-url'

param name string = 'mirrorverse'
param location string = resourceGroup().location
param image string = 'ghcr.io/mirrorverse/mirrorverse:0.1.0'

@description('A Container Apps environment that exists. Without one, the deployment makes one.')
param managedEnvironmentId string = ''

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVaultName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

// Key Vault Secrets User
var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource mayReadSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: secretsUser
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = if (empty(managedEnvironmentId)) {
  name: name
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource managedEnvironment 'Microsoft.App/managedEnvironments@2024-03-01' = if (empty(managedEnvironmentId)) {
  name: name
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs!.properties.customerId
        sharedKey: logs!.listKeys().primarySharedKey
      }
    }
  }
}

var environmentId = empty(managedEnvironmentId) ? managedEnvironment.id : managedEnvironmentId
var secrets = [
  {
    name: 'database-url'
    keyVaultUrl: '${vault.properties.vaultUri}secrets/${databaseUrlSecret}'
    identity: identity.id
  }
]
var variables = [
  { name: 'DATAVERSE_URL', value: environmentUrl }
  { name: 'MIRRORVERSE_TABLES', value: tables }
  { name: 'MIRRORVERSE_AUTH', value: 'managed-identity' }
  { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
  { name: 'DATABASE_URL', secretRef: 'database-url' }
]

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  dependsOn: [mayReadSecrets]
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      // A new revision takes the place of the old one. For the moment in which both run, leases keep them apart.
      activeRevisionsMode: 'Single'
      secrets: secrets
      // The status page, for other apps of the same environment only: it asks readers for nothing.
      ingress: {
        external: false
        targetPort: 8080
      }
    }
    template: {
      terminationGracePeriodSeconds: 40
      // The daemon polls: with no replica, nothing would be mirrored.
      scale: {
        minReplicas: 1
        maxReplicas: 1
      }
      containers: [
        {
          name: 'mirrorverse'
          image: image
          env: variables
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: 8080 }
              periodSeconds: 2
              failureThreshold: 10
              initialDelaySeconds: 5
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: 8080 }
              periodSeconds: 15
              timeoutSeconds: 5
              failureThreshold: 4
            }
            // Not /readyz: the platform takes a revision that is not ready out of service, with its status page.
            {
              type: 'Readiness'
              httpGet: { path: '/healthz', port: 8080 }
              periodSeconds: 10
              timeoutSeconds: 5
            }
          ]
        }
      ]
    }
  }
}

// The first load, by hand: az containerapp job start --name <name>-backfill --resource-group <group>
resource backfill 'Microsoft.App/jobs@2024-03-01' = {
  name: '${name}-backfill'
  location: location
  dependsOn: [mayReadSecrets]
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      triggerType: 'Manual'
      // A load of many rows takes hours. One that is ended goes on where it stopped.
      replicaTimeout: 86400
      replicaRetryLimit: 3
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
      secrets: secrets
    }
    template: {
      containers: [
        {
          name: 'backfill'
          image: image
          args: ['backfill']
          env: variables
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
      ]
    }
  }
}

@description('Make the application user of the environment with this client id.')
output clientId string = identity.properties.clientId
output statusPage string = 'http://${app.properties.configuration.ingress.fqdn}/'
